"""A folder that runs on any Linux whose glibc is new enough: the program, and beside it every library but glibc's.

usage: tarball.py PROGRAM ROOT SOURCE VERSION EPOCH GLIBC OUT      fails if the program needs a newer glibc than GLIBC
"""
import pathlib
import sys
import tempfile

from tree import Libraries, Tree, compressed, is_glibc, run

DOCUMENTS = ["LICENSE", "README.md", "SECURITY.md", "CHANGELOG.md", "config/keepsake.yaml", "config/keepsake.schema.json",
             "deploy/man/keepsake.1", "deploy/man/keepsake.yaml.5", "deploy/keepsake.service"]


def patched(path, search):
    """The file with this search path, which holds for the libraries of its libraries too."""
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "file"
        copy.write_bytes(pathlib.Path(path).read_bytes())
        run("patchelf", "--force-rpath", "--set-rpath", search, str(copy))
        return copy.read_bytes()


def main(program, root, source, version, epoch, glibc, out):
    libraries, files, top = Libraries(program, root), Tree(), f"keepsake-{version}"
    newest = libraries.newest_glibc(program)
    if newest > tuple(map(int, glibc.split("."))):
        raise SystemExit(f"error: the program needs glibc {'.'.join(map(str, newest))}; build it where there is {glibc}")
    files.add(f"{top}/bin/keepsake", patched(program, "$ORIGIN/../lib/keepsake"), 0o755)
    for soname, path in libraries.files.items():
        if not is_glibc(soname):
            files.add(f"{top}/lib/keepsake/{soname}", patched(libraries.real(path), "$ORIGIN"))
    for package in libraries.packages():
        files.add(f"{top}/licences/{package}", libraries.licence(package))
    for document in DOCUMENTS:
        files.copy(f"{top}/{document}", pathlib.Path(source) / document)
    for example in sorted((pathlib.Path(source) / "config/examples").glob("*.yaml")):
        files.copy(f"{top}/config/examples/{example.name}", example)
    pathlib.Path(out).write_bytes(compressed(files.tar(int(epoch))))


main(*sys.argv[1:])
