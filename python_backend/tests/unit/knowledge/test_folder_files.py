"""Which files paths mean."""

from pathlib import Path

from underpin.knowledge.folder_files import FolderFile, Missed, files_of, sha256_of


def plant(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, "utf-8")


def shown(*paths: Path) -> list[str]:
    return [file.path.name if isinstance(file, FolderFile) else f"{file.shown}: {file.reason}" for file in files_of(paths)]


def test_a_folder_gives_what_can_be_read_through_and_through_in_order(tmp_path):
    plant(tmp_path, "b.txt", "a/z.PDF", "a/y/x.md", "c.png", ".hidden.txt", ".git/config.txt", "d.bin")
    assert shown(tmp_path) == ["x.md", "z.PDF", "b.txt"]


def test_a_file_that_is_named_is_taken_whatever_it_is_called(tmp_path):
    plant(tmp_path, "c.png", ".hidden")
    assert shown(tmp_path / "c.png", tmp_path / ".hidden") == ["c.png", ".hidden"]


def test_each_file_comes_once_however_it_is_named(tmp_path):
    plant(tmp_path, "a/x.txt")
    (tmp_path / "link.txt").symlink_to(tmp_path / "a" / "x.txt")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert shown(tmp_path, tmp_path / "a" / "x.txt", tmp_path / "a" / ".." / "a") == ["x.txt"]


def test_a_path_that_gives_nothing_says_why(tmp_path):
    (tmp_path / "empty").mkdir()
    found = list(files_of([tmp_path / "none.txt", tmp_path / "empty"]))
    assert found == [
        Missed(str(tmp_path / "none.txt"), "There is no such file."),
        Missed(str(tmp_path / "empty"), "No file that can be read is in this folder."),
    ]


def test_a_source_is_the_place_and_tells_nothing_of_it(tmp_path, monkeypatch):
    plant(tmp_path, "a/x.txt", "b/x.txt")
    [one] = files_of([tmp_path / "a" / "x.txt"])
    monkeypatch.chdir(tmp_path / "a")
    [same] = files_of([Path("x.txt")])
    [other] = files_of([tmp_path / "b" / "x.txt"])
    assert isinstance(one, FolderFile)
    assert isinstance(same, FolderFile)
    assert isinstance(other, FolderFile)
    assert one.source == same.source != other.source
    assert tmp_path.name not in one.source
    assert sha256_of(one.path) != sha256_of(other.path) or one.path.read_bytes() == other.path.read_bytes()
