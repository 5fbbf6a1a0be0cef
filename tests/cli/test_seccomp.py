"""deploy/seccomp-io_uring.json lets keepsake serve with io_uring, and allows little else."""

import ctypes
import ctypes.util
import json
import os
import re
import signal
import unittest

from support import BIN, ROOT, Running, TestCase, environment, request, set_name

PROFILE = json.loads((ROOT / "deploy/seccomp-io_uring.json").read_text())
ALLOW, ERRNO_EPERM = 0x7FFF0000, 0x00050001
# What lets a process out of its container or into others.
NEVER = """mount umount2 pivot_root chroot ptrace process_vm_readv process_vm_writev bpf perf_event_open keyctl add_key unshare setns
init_module finit_module delete_module kexec_load reboot swapon settimeofday clock_settime mknod mknodat open_by_handle_at
userfaultfd personality quotactl acct iopl ioperm syslog""".split()


def allowed():
    return [name for rule in PROFILE["syscalls"] for name in rule["names"]]


def library():
    name = ctypes.util.find_library("seccomp")
    return ctypes.CDLL(name) if name else None


def obey_profile(seccomp):
    """Puts this process under the profile, as a container engine would."""
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(ERRNO_EPERM))
    for name in allowed():
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            seccomp.seccomp_rule_add_array(context, ALLOW, number, 0, None)
    if seccomp.seccomp_load(context) != 0:
        os._exit(99)


class Profile(TestCase):
    def test_it_denies_by_default_and_allows_nothing_dangerous(self):
        self.assertEqual((PROFILE["defaultAction"], PROFILE["defaultErrnoRet"]), ("SCMP_ACT_ERRNO", 1))
        self.assertEqual({rule["action"] for rule in PROFILE["syscalls"]}, {"SCMP_ACT_ALLOW"})
        names = allowed()
        self.assertEqual(len(names), len(set(names)))
        self.assertLessEqual({"io_uring_setup", "io_uring_enter", "io_uring_register"}, set(names))
        self.assertEqual(set(names) & set(NEVER), set())

    def test_each_name_is_one_that_the_kernel_has(self):
        seccomp = library()
        if not seccomp:
            raise unittest.SkipTest("no libseccomp")
        unknown = [name for name in allowed() if seccomp.seccomp_syscall_resolve_name(name.encode()) == -1]
        # Newer calls than the library's are no mistakes.
        self.assertLessEqual(set(unknown), {"epoll_pwait2", "close_range", "openat2"})

    def test_keepsake_serves_under_it(self):
        seccomp = library()
        if not seccomp:
            raise unittest.SkipTest("no libseccomp")
        demo = Running([BIN, "run", "--demo", "--listen", "127.0.0.1:0"], cwd=self.folder, env=environment(SESSION_KEY=None),
                       preexec_fn=lambda: obey_profile(seccomp))
        self.addCleanup(demo.kill)
        port = int(demo.said(r"(?m)^http://127\.0\.0\.1:(\d+)/$")[1])
        cookie = set_name(port, "Ann")
        self.assertIn("Ann", request(port, "/", headers={"Cookie": cookie}).body)
        status = f"/proc/{demo.child.pid}/status"
        with open(status, encoding="ascii") as file:
            self.assertRegex(file.read(), r"(?m)^Seccomp:\s*2$")
        self.assertIsNone(re.search("io_uring.*(forb|not|without)", demo.text), demo.text)
        demo.signal(signal.SIGTERM)
        self.assertEqual(demo.ends(), 0)
