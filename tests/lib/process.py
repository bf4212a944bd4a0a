# SPDX-License-Identifier: BSD-2-Clause
"""process - a server of the test, and waiting for what it does."""

import os
import shutil
import signal
import subprocess
import time


def until(condition, what, limit_s=10.0, pause_s=0.02):
    """Polls until the condition gives something true, and gives that back."""
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {limit_s:g} s in vain: {what}")
        time.sleep(pause_s)


def copy_binary(path, folder):
    """A copy of a program, so that no AppArmor profile of the host's applies to it."""
    copy = os.path.join(folder, "bin", os.path.basename(path))
    os.makedirs(os.path.dirname(copy), exist_ok=True)
    if not os.path.exists(copy):
        shutil.copy2(path, copy)
    return copy


class Process:
    """A server in a namespace: start, stop, freeze, kill; its output goes to a log file."""

    def __init__(self, space, words, log, keep=False, env=None):
        self.space = space
        self.words = words
        self.log = log
        self.keep = keep
        self.env = env
        self.run_as = None
        self.child = None

    def start(self):
        with open(self.log, "ab") as log:
            self.child = self.space.popen(
                self.words,
                keep=self.keep,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.env,
                user=self.run_as,
            )
        return self

    @property
    def pid(self):
        return self.child.pid

    def is_running(self):
        return self.child is not None and self.child.poll() is None

    def signal(self, number):
        self.child.send_signal(number)

    def end(self, number, limit_s):
        if self.is_running():
            self.child.send_signal(signal.SIGCONT)
            self.child.send_signal(number)
            try:
                self.child.wait(limit_s)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        status = self.child.returncode if self.child else 0
        self.child = None
        return status

    def stop(self):
        return self.end(signal.SIGTERM, 5)

    def kill(self):
        return self.end(signal.SIGKILL, 5)

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def log_text(self):
        with open(self.log, errors="replace") as log:
            return log.read()
