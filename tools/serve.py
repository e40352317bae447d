"""Serve the built site on this machine, with gzip as GitHub Pages does.

`python tools/serve.py 8000`; the tests use :func:`server`, too.
"""

import gzip
import sys
from functools import cache, partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SITE = Path(__file__).resolve().parents[1] / "_build" / "html"
# As it is with Pages: what is text gets smaller, what is packed already does not.
PACKED = (".gz", ".pdf", ".png", ".webp", ".woff", ".woff2", ".zip")


@cache
def packed(path, changed):
    """Return a file packed; ``changed`` makes a new one of a file that is not the same any more."""
    return gzip.compress(path.read_bytes(), 6, mtime=0)


class Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # a page's files come over one connection

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if path.is_dir() and self.path.partition("?")[0].endswith("/"):
            path /= "index.html"
        accepts = "gzip" in self.headers.get("Accept-Encoding", "")
        if not accepts or not path.is_file() or path.suffix in PACKED:
            return super().do_GET()
        content = packed(path, path.stat().st_mtime_ns)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        self.wfile.write(content)

    def guess_type(self, path):
        kind = super().guess_type(path)
        # Pages says so, too; a browser that guesses wrong has to start over.
        return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind

    def log_message(self, *args):
        pass


def server(site=SITE, port=0):
    """Return a server that is ready to run; port 0 takes any that is free."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(Handler, directory=str(site)))


if __name__ == "__main__":
    port = int(sys.argv[1])
    with server(port=port) as running:
        print(f"The book is at http://127.0.0.1:{port}/ (stop with Ctrl-C)", flush=True)
        try:
            running.serve_forever()
        except KeyboardInterrupt:
            print()
