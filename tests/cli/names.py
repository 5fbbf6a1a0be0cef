"""Name servers of a test's own: names.c, compiled and preloaded."""

import pathlib
import shutil
import subprocess
import unittest

needs_compiler = unittest.skipUnless(shutil.which("cc"), "there is no C compiler")


def preload(folder, file=None):
    """The environment of a program that is to believe them; `file` has the addresses of every name."""
    library = pathlib.Path(folder) / "names.so"
    source = pathlib.Path(__file__).resolve().parent / "names.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    return {"LD_PRELOAD": str(library), **({"KEEPSAKE_NAMES": str(file)} if file else {})}
