# SPDX-License-Identifier: BSD-2-Clause
"""bpf - descriptors of pinned maps, for tests that need more than bpftool gives."""

import ctypes
import os

BPF_OBJ_GET = 7
SYS_BPF = {"x86_64": 321, "aarch64": 280}


class ObjectAttr(ctypes.Structure):
    """The part of union bpf_attr that BPF_OBJ_GET reads."""

    _fields_ = [
        ("pathname", ctypes.c_uint64),
        ("bpf_fd", ctypes.c_uint32),
        ("file_flags", ctypes.c_uint32),
    ]


def open_pinned(path):
    """A descriptor of what is pinned there."""
    libc = ctypes.CDLL(None, use_errno=True)
    name = ctypes.create_string_buffer(path.encode())
    attr = ObjectAttr(pathname=ctypes.addressof(name))
    number = SYS_BPF[os.uname().machine]
    fd = libc.syscall(number, BPF_OBJ_GET, ctypes.byref(attr), ctypes.sizeof(attr))
    if fd < 0:
        raise OSError(ctypes.get_errno(), path)
    return fd
