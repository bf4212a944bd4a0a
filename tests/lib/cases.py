# SPDX-License-Identifier: BSD-2-Clause
"""cases - tests that are functions with a sentence as their name, and their runner."""

import contextlib
import os
import struct
import sys
import tempfile
import time
import traceback


class Skip(Exception):
    """Raised by a case that cannot run here; the text is the reason."""


CASES = []
ALONE = set()


def case(sentence, alone=False):
    """Marks a function as a case; alone: no other may run beside it, where several do."""

    def mark(function):
        CASES.append((sentence, function))
        if alone:
            ALONE.add(sentence)
        return function

    return mark


def equal(found, wanted, what=""):
    if found != wanted:
        raise AssertionError(f"{what + ': ' if what else ''}{found!r} in place of {wanted!r}")


def true(value, what):
    if not value:
        raise AssertionError(what)


class Bench:
    """What a case gets: the lab, and edges that end with the case."""

    def __init__(self, lab, build):
        self.lab = lab
        self.build = build
        self.client = lab.client
        self.stack = contextlib.ExitStack()
        self.edges = []

    def edge(self, config, zones, space=None, start=True):
        edge = self.lab.edge(self.build, config, zones, space)
        self.stack.callback(self.lab.end_edge, edge)
        self.edges.append(edge)
        return edge.start() if start else edge

    def close(self):
        self.stack.close()


def run_case(number, sentence, function, bench):
    """One line for the case; gives its outcome."""
    begin = time.monotonic()
    outcome, detail = "ok", ""
    try:
        function(bench)
    except Skip as skip:
        outcome = f"skip ({skip})"
    except Exception:
        outcome, detail = "FAIL", traceback.format_exc(limit=-4)
        for edge in bench.edges:
            with contextlib.suppress(OSError):
                detail += "--- anamed's log, its end:\n" + edge.process.log_text()[-1500:]
    finally:
        bench.close()
    print(f"{outcome:4} {number:2} - {sentence} ({time.monotonic() - begin:.1f} s)", flush=True)
    if detail:
        print("     " + detail.replace("\n", "\n     "), flush=True)
    return outcome


def chosen(words):
    """The cases whose sentences hold all the words, with their numbers."""
    return [(number, *one) for number, one in enumerate(CASES, 1)
            if all(word in one[0] for word in words)]


def conclude(name, outcomes):
    """The last line, and the exit status."""
    passed, failed = outcomes.count("ok"), outcomes.count("FAIL")
    skipped = len(outcomes) - passed - failed
    tail = f", {skipped} skipped" if skipped else ""
    print(f"{name}: {passed} passed, {failed} failed{tail}")
    sys.exit(1 if failed or not passed else 0)


def run_cases(name, make_bench, words):
    """Runs the cases whose sentences hold all the words; does not return."""
    conclude(name, [run_case(*one, make_bench()) for one in chosen(words)])


def run_quietly(one, make_bench):
    """One case; what it prints comes in one piece. Gives its outcome."""
    sys.stdout.flush()
    screen = os.dup(1)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 1)
        try:
            outcome = run_case(*one, make_bench())
        finally:
            sys.stdout.flush()
            os.dup2(screen, 1)
            os.close(screen)
            said.seek(0)
            os.write(1, said.read())
    return outcome


def work(place, turns, report, last):
    """One process: takes cases as long as there are any, and those of `last` at the end."""
    with place() as make_bench:
        for source in (iter(turns, None), last):
            for one in source:
                os.write(report, run_quietly(one, make_bench)[:4].encode().ljust(4))


def run_beside(name, place, words, jobs=2):
    """Runs the cases, `jobs` at a time, each process in a place of its own; does not return.

    place: gives a context whose value makes benches. Cases that are to be alone
    come when all others have ended.
    """
    wanted = chosen(words)
    crowd = [one for one in wanted if one[1] not in ALONE]
    alone = [one for one in wanted if one[1] in ALONE]
    turns_out, turns_in = os.pipe()
    os.write(turns_in, struct.pack(f"{len(crowd)}H", *range(len(crowd))))
    os.close(turns_in)
    report_out, report_in = os.pipe()
    sys.stdout.flush()
    children = []

    def turns():
        turn = os.read(turns_out, 2)
        return crowd[struct.unpack("H", turn)[0]] if turn else None

    def after_all():
        while children:
            os.waitpid(children.pop(), 0)
        yield from alone

    for _ in range(min(jobs, len(crowd)) - 1):
        child = os.fork()
        if not child:
            children.clear()
            status = 1
            try:
                work(place, turns, report_in, ())
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                os._exit(status)
        children.append(child)
    work(place, turns, report_in, after_all())
    os.close(report_in)
    told = b"".join(iter(lambda: os.read(report_out, 4096), b""))
    outcomes = [told[at : at + 4].decode().strip() for at in range(0, len(told), 4)]
    # A process that broke down outside of a case has left some out.
    outcomes += ["FAIL"] * (len(wanted) - len(outcomes))
    conclude(name, outcomes)
