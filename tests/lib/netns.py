# SPDX-License-Identifier: BSD-2-Clause
"""netns - network namespaces of the test's own, and what runs in them.

A namespace is named anamed-PID-ROLE after the run that made it, so runs do not
meet, and what a killed run has left is found and removed by the next one.
Processes and sockets are made from inside with setns(2): unlike `ip netns
exec` this leaves /sys, and with it bpffs, as it is.
"""

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

PREFIX = "anamed-"
BPFFS = "/sys/fs/bpf"
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
SIOCETHTOOL = 0x8946
ETHTOOL_STXCSUM = 0x17

libc = ctypes.CDLL(None, use_errno=True)


def command(*words, check=True, text_in=None):
    """Runs a program to its end and gives its output."""
    done = subprocess.run(
        words, input=text_in, capture_output=True, text=True, check=False
    )
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def set_netns(fd):
    if libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def unshare():
    """From here on this process is in a namespace without a name, with a loopback alone."""
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    command("ip", "link", "set", "lo", "up")


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Namespace:
    """One network namespace; its loopback is up."""

    def __init__(self, name):
        self.name = name
        command("ip", "netns", "add", name)
        self.fd = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        self.ip("link", "set", "lo", "up")

    def ip(self, *words):
        return command("ip", "-n", self.name, *words)

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is inside; sockets made here stay inside."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        set_netns(self.fd)
        try:
            yield
        finally:
            set_netns(home)
            os.close(home)

    def popen(self, words, keep=False, **options):
        """Starts a program inside. It dies with this one, unless it is to be kept."""
        options.setdefault("stdin", subprocess.DEVNULL)
        with self.entered():
            return subprocess.Popen(
                words,
                preexec_fn=None if keep else die_with_parent,
                start_new_session=True,
                **options,
            )

    def run(self, *words, check=True):
        with self.entered():
            return command(*words, check=check)

    def sysctl(self, key, value):
        with self.entered(), open("/proc/sys/" + key.replace(".", "/"), "w") as file:
            file.write(str(value))

    def add_address(self, device, address):
        words = ["addr", "add", address, "dev", device]
        self.ip(*words, *(["nodad"] if ":" in address else []))

    def checksum_in_full(self, device):
        """Switches TX checksum offload off: what leaves here carries its whole checksum."""
        with self.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            value = ctypes.create_string_buffer(struct.pack("II", ETHTOOL_STXCSUM, 0))
            request = struct.pack("16sP", device.encode(), ctypes.addressof(value))
            fcntl.ioctl(control, SIOCETHTOOL, request.ljust(40, b"\0"))

    def remove(self):
        os.close(self.fd)
        command("ip", "netns", "del", self.name, check=False)


def veth(one, one_device, other, other_device):
    """A pair of devices between two namespaces (None: the host's own)."""
    ends = []
    for space, device in ((one, one_device), (other, other_device)):
        ends.append(["name", device] + (["netns", space.name] if space else []))
    command("ip", "link", "add", *ends[0], "type", "veth", "peer", *ends[1])
    for space, device in ((one, one_device), (other, other_device)):
        where = ["-n", space.name] if space else []
        command("ip", *where, "link", "set", device, "up")


def is_alive(pid):
    return os.path.exists(f"/proc/{pid}")


def run_of(name):
    """The pid in anamed-PID-ROLE, or None."""
    words = name.removeprefix(PREFIX).split("-")
    return int(words[0]) if name.startswith(PREFIX) and words[0].isdigit() else None


def remove_pins(folder):
    """Removes pins and folders under a folder of bpffs."""
    for where, folders, files in os.walk(folder, topdown=False):
        for name in files:
            os.unlink(os.path.join(where, name))
        for name in folders:
            os.rmdir(os.path.join(where, name))
    if os.path.isdir(folder):
        os.rmdir(folder)


def mount_bpffs():
    with open("/proc/mounts") as mounts:
        if any(line.split()[1] == BPFFS for line in mounts):
            return
    command("mount", "-t", "bpf", "bpf", BPFFS)


def sweep(kept=None):
    """Removes what runs that are no more have left behind, except one that is to stay."""
    for folder, remove in (
        ("/run/netns", lambda name: command("ip", "netns", "del", name, check=False)),
        (BPFFS, lambda name: remove_pins(os.path.join(BPFFS, name))),
        (
            tempfile.gettempdir(),
            lambda name: shutil.rmtree(os.path.join(tempfile.gettempdir(), name), True),
        ),
    ):
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            pid = run_of(name)
            if pid is not None and not is_alive(pid) and f"{PREFIX}{pid}" != kept:
                remove(name)


def need_root():
    if os.geteuid() != 0:
        sys.exit(f"{os.path.relpath(sys.argv[0])}: needs root, for network namespaces and XDP")


def end_on_signals():
    """SIGTERM and SIGHUP unwind the stack as ^C does, so that everything is cleaned up."""

    def unwind(number, _frame):
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, unwind)
    signal.signal(signal.SIGHUP, unwind)
