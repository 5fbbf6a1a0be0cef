"""Files that are packed: where they go, what they need, and a tar of them that is the same whenever it is made."""
import gzip
import io
import pathlib
import re
import subprocess
import tarfile


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Tree:
    """Path -> (mode, bytes), or (None, the target of a link). Folders come by themselves."""

    def __init__(self):
        self.entries = {}

    def add(self, path, content, mode=0o644):
        self.entries[path] = (mode, content)

    def copy(self, path, source, mode=0o644):
        self.add(path, pathlib.Path(source).read_bytes(), mode)

    def link(self, path, target):
        self.entries[path] = (None, target)

    def tar(self, epoch, folders=None):
        """Sorted by name, of root, all of one time. `folders` have modes of their own."""
        modes = {str(parent): 0o755 for path in self.entries for parent in pathlib.PurePosixPath(path).parents if str(parent) != "."}
        modes.update(folders or {})
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for path in sorted({*self.entries, *modes}):
                info = tarfile.TarInfo(path)
                info.mtime = epoch
                if path not in self.entries:
                    info.type, info.mode = tarfile.DIRTYPE, modes[path]
                    archive.addfile(info)
                    continue
                mode, content = self.entries[path]
                if mode is None:
                    info.type, info.linkname, info.mode = tarfile.SYMTYPE, content, 0o777
                    archive.addfile(info)
                else:
                    info.mode, info.size = mode, len(content)
                    archive.addfile(info, io.BytesIO(content))
        return out.getvalue()


def compressed(data):
    return gzip.compress(data, 9, mtime=0)


class Libraries:
    """The shared libraries of a program, found below a root folder: this machine's, or one of another architecture."""

    def __init__(self, program, root="/"):
        self.root = pathlib.Path(root)
        self.interpreter = re.search(r"interpreter: (\S+)\]", run("readelf", "-lW", program))[1]
        machine = re.search(r"Machine: +(.*)", run("readelf", "-h", program))[1]
        self.triplet = {"AArch64": "aarch64-linux-gnu"}.get(machine, "x86_64-linux-gnu")
        self.files = {}  # soname -> path below the root
        waiting = self.needed(program)
        while waiting:
            name = waiting.pop()
            if name not in self.files and name != pathlib.PurePath(self.interpreter).name:
                self.files[name] = self.find(name)
                waiting += self.needed(self.real(self.files[name]))

    @staticmethod
    def needed(path):
        return re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-dW", str(path)))

    def find(self, name):
        for folder in ("lib", "usr/lib"):
            path = f"/{folder}/{self.triplet}/{name}"
            if self.real(path).is_file():
                return path
        raise SystemExit(f"error: {name} is not below {self.root}")

    def real(self, path):
        """Links are followed as if the root were /."""
        found = self.root / path.lstrip("/")
        for _ in range(10):
            if not found.is_symlink():
                return found
            target = found.readlink()
            found = self.root / str(target).lstrip("/") if target.is_absolute() else found.parent / target
        raise SystemExit(f"error: {path} is a link in a circle")

    def newest_glibc(self, *programs):
        """The version that the programs and libraries ask of glibc, as numbers."""
        versions = set()
        for path in (*programs, *(self.real(file) for name, file in self.files.items() if not is_glibc(name))):
            versions |= {tuple(map(int, text.split("."))) for text in
                         re.findall(r"Name: GLIBC_([0-9.]+) ", run("readelf", "-VW", str(path)))}
        return max(versions)

    def packages(self):
        """Name -> the dpkg paragraph of each Debian package that the libraries come from."""
        admin = f"--admindir={self.root / 'var/lib/dpkg'}"
        found = {}
        for path in self.files.values():
            owner = run("dpkg-query", admin, "-S", f"*/{self.real(path).name}").splitlines()[0].split(":")[0]
            if owner not in found:
                architecture = {"aarch64-linux-gnu": "arm64"}.get(self.triplet, "amd64")
                found[owner] = run("dpkg-query", admin, "-s", f"{owner}:{architecture}")
        return dict(sorted(found.items()))

    def licence(self, package):
        return self.real(f"/usr/share/doc/{package}/copyright").read_bytes()


def is_glibc(soname):
    return soname in {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libresolv.so.2"}
