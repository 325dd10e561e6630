"""Underpin: a self-hosted server for assistants. Start with ARCHITECTURE.md at the root of the repository."""

import os

__version__ = "0.1.0"

# For numpy, which reads it when it is loaded. Its linear algebra would keep a thread of each core spinning for some 20 ms behind
# every small product: a search in a small store took five times the CPU, which streams of tokens need. Whoever sets it is heard.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
