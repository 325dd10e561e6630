import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.io.OutputStream;
import java.util.List;
import org.h2.mvstore.MVStore;

/** mongo-java-server for tests: {@code Main PORT FILE}. It ends when its standard input does. */
public class Main {
    /** What a MongoDB 4.4 says of itself, the oldest that today's PyMongo talks to. */
    private static class Version implements MongoVersion {
        @Override
        public List<Integer> getVersionArray() {
            return List.of(4, 4, 0, 0);
        }

        @Override
        public int getWireVersion() {
            return 9;
        }
    }

    private static class Backend extends H2Backend {
        Backend(MVStore store) {
            super(store);
        }

        /**
         * One message at a time, an answer that nobody changes while it is sent, and on disk before it is sent. By itself the
         * server answers with the very document that it keeps: of 1500 racing findAndModify calls up to 43 returned another's result.
         */
        @Override
        public synchronized Document handleMessage(MongoMessage message) {
            Document asked = message.getDocument();
            if (asked.containsKey("hello")) {
                Document answer = handleCommand(message.getChannel(), message.getDatabaseName(), "ismaster", asked);
                return answer.append("isWritablePrimary", true);
            }
            Document answer = super.handleMessage(message);
            getMvStore().commit();
            return answer == null ? null : answer.cloneDeeply();
        }
    }

    public static void main(String[] arguments) throws Exception {
        MVStore store = new MVStore.Builder().fileName(arguments[1]).autoCommitDisabled().open();
        store.setRetentionTime(0);
        MongoServer server = new MongoServer(new Backend(store).version(new Version()));
        server.bind("127.0.0.1", Integer.parseInt(arguments[0]));
        System.in.transferTo(OutputStream.nullOutputStream());
        server.shutdownNow();
    }
}
