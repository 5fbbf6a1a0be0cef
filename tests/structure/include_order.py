#!/usr/bin/env python3
"""A folder of the proxy includes only itself and the folders before it.

The order is the one in which the folders are read: what is pure text must not know sockets, and
nothing below the server may know the server. Run by ctest; prints every violation.
"""
import pathlib
import re
import sys

ORDER = ["base", "io", "http", "http2", "config", "session", "store", "backend", "routing", "exchange", "client", "server",
         "admin", "process", "commands"]
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)
# http/, http2/ and session/ are pure: no sockets, no Asio (header and source alike).
PURE = {"http", "http2", "session"}
SOCKETS = re.compile(r'^\s*#\s*include\s*(<boost/asio|<boost/beast|<sys/socket|<netinet/|"io/(asio|stream|task)\.hpp)', re.M)


def folder_of(root, name):
    path = root / "config" if name == "config" else root / "proxy" / name
    return path


def main():
    root = pathlib.Path(sys.argv[1])
    faults = []
    seen = 0
    for position, folder in enumerate(ORDER):
        for path in sorted(folder_of(root, folder).rglob("*.[hc]pp")):
            seen += 1
            text = path.read_text()
            for included in INCLUDE.findall(text):
                target = included.split("/")[0]
                if target not in ORDER:
                    faults.append(f"{path}: \"{included}\" is not written folder/file")
                elif ORDER.index(target) > position:
                    faults.append(f"{path}: {folder}/ must not include {included}")
                elif included == "exchange/run_exchange.hpp" and folder not in ("exchange", "client"):
                    faults.append(f"{path}: only client/ includes {included}")
            if folder != "http2" and "<nghttp2/" in text:
                faults.append(f"{path}: only http2/ includes nghttp2.h")
            if folder in PURE and (found := SOCKETS.search(text)):
                faults.append(f"{path}: {folder}/ is pure text, but includes {found.group(1)[1:]}")
    if seen < 50:
        faults.append(f"only {seen} files were looked at: is {root} the source tree?")
    print("\n".join(faults) or f"{seen} files, all in order")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
