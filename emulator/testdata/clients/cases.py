"""The table of cases: which methods of the bindings each shows."""

import collections

Case = collections.namedtuple("Case", ["name", "methods", "flags", "pending", "function"])

CASES = []


def case(*methods, flags=(), pending=None):
    """Put a function in the table. It has to call each of the methods and to look at what they did. The flags are
    those of spsim serve. A pending case says, in words of the error that it meets, what the emulator does not have yet."""

    def register(function):
        CASES.append(Case(function.__name__, methods, flags, pending, function))
        return function

    return register


import cases_command  # noqa: E402,F401  the tables fill themselves when they are loaded
import cases_config  # noqa: E402,F401
import cases_hardware  # noqa: E402,F401
import cases_remote  # noqa: E402,F401
import cases_volumes  # noqa: E402,F401
