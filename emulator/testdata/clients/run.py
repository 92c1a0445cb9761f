"""Drive an emulator through every method of the official Python bindings.

usage: run.py FOLDER [WORD ...]    FOLDER holds spsim; runs the cases whose names contain one of the words, or all
"""

import os
import re
import sys
import time
import traceback

import six
from storpool import spapi

import cases
import emulator


def public_methods():
    """Every public method of the bindings."""
    return {name for name in dir(spapi.Api) if not name.startswith("_") and callable(getattr(spapi.Api, name))}


class Context:
    """What a case is given: the server, and the bindings: api without or with multiCluster as the run has it, single
    and multi always so."""

    def __init__(self, server, seen, violations, multi=False):
        self.server = server
        self.single, self.multi = (
            emulator.Client(
                emulator.Recorder(host=server.host, port=int(server.port), auth=server.token, timeout=20,
                                  transientSleep=lambda retry: 0, multiCluster=on), seen, violations)
            for on in (False, True))
        self.api = self.multi if multi else self.single


def run(case, folder, seen, violations, multi):
    """Run one case against a server of its own; return what went wrong, if anything."""
    before = dict(seen)
    server = emulator.Emulator(os.path.join(folder, "spsim"), case.flags)
    try:
        case.function(Context(server, seen, violations, multi))
    except Exception:
        return traceback.format_exc() + "\nlog of the server:\n" + "\n".join(server.logged().splitlines()[-8:])
    finally:
        server.stop()
    silent = [m for m in case.methods if seen.get(m, 0) == before.get(m, 0)]
    if silent:
        return "the case never called " + ", ".join(silent)
    return None


def judge(case, wrong):
    """Turn what happened into a failure, or None. A pending case has to fail as the table says."""
    if case.pending is None:
        return wrong
    if wrong is None:
        return "it passes now: its mark as pending ({0}) has to go".format(case.pending)
    return None if case.pending in wrong else wrong


def main(folder, words):
    """Run the cases, without and with multiCluster, and see that no method was left out."""
    seen, violations, failed, pending = {}, [], [], []
    start = time.monotonic()
    chosen = [c for c in cases.CASES if not words or any(w in c.name for w in words)]
    runs = [(c, multi) for multi in (False, True) for c in chosen]
    for case, multi in runs:
        at = len(violations)
        wrong = judge(case, run(case, folder, seen, violations, multi))
        if case.pending is None and len(violations) > at:
            lines = violations[at:]
            alike = {re.sub(r"\d+", "N", line): line for line in lines}  # one of those that differ in numbers only
            wrong = (wrong or "") + "\n{0} violations of the types, such as:\n  ".format(
                len(lines)) + "\n  ".join(list(alike.values())[:20])
        if wrong:
            failed.append(case.name)
            print("--- FAIL {0}{1}\n{2}".format(case.name, " with multiCluster" if multi else "", wrong))
        if case.pending is not None:
            del violations[at:]
            if not wrong:
                pending.append(case)
    if not words:
        shown = {m for c in cases.CASES for m in c.methods}
        for name in sorted(public_methods() - shown):
            failed.append(name)
            print("--- FAIL {0}: the bindings have this method, no case calls it".format(name))
        for name in sorted(shown - public_methods()):
            failed.append(name)
            print("--- FAIL {0}: a case names this method, the bindings have none such".format(name))
    for name, why in {c.name: c.pending for c in pending}.items():
        print("pending {0}: {1}".format(name, why))
    covered = {m for c in chosen if c.pending is None for m in c.methods}
    print("{0} of {1} methods of the bindings {2} called {3} times, {4} violations of their types, {5:.1f} s".format(
        len(covered & public_methods()), len(public_methods()), spapi.VERSION, sum(seen.values()), len(violations),
        time.monotonic() - start))
    print("{0} passed, {1} failed, {2} skipped".format(
        len(runs) - sum(f in {c.name for c in chosen} for f in failed) - len(pending),
        len(failed), len(pending)))
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    if six.PY2 or len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
