# SPDX-License-Identifier: BSD-2-Clause
"""cases - tests that are functions with a sentence as their name, and their runner."""

import contextlib
import sys
import time
import traceback


class Skip(Exception):
    """Raised by a case that cannot run here; the text is the reason."""


CASES = []


def case(sentence):
    """Marks a function as a case."""

    def mark(function):
        CASES.append((sentence, function))
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


def run_cases(name, make_bench, words):
    """Runs the cases whose sentences hold all the words; the exit status."""
    passed = failed = skipped = 0
    for number, (sentence, function) in enumerate(CASES, 1):
        if not all(word in sentence for word in words):
            continue
        outcome = run_case(number, sentence, function, make_bench())
        passed += outcome == "ok"
        failed += outcome == "FAIL"
        skipped += outcome.startswith("skip")
    tail = f", {skipped} skipped" if skipped else ""
    print(f"{name}: {passed} passed, {failed} failed{tail}")
    sys.exit(1 if failed or not passed else 0)
