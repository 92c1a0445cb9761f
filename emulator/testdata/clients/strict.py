"""Compare answers with the types of the bindings, member by member.

The bindings hand out what they could read of an answer and say nothing of the rest, so each answer is looked at
here before they see it: no member may be missing, none may be there that the type does not name, none may have another
JSON type than the validator of the bindings wants.
"""

from storpool import spjson

DISK = "the reply of a real cluster in the tests of the bindings has it, their type does not"
CHANGE = "the answer of every change has it, and clients test it; the type of this one leaves it out"

# Members that answers have beyond the types of the bindings, by the name of the type ("*" is any), with the reason.
EXTRA = {
    ("*", "snapshot"): "clients that list volumes and snapshots together read it from every entry",
    ("UpDiskSummary", "agFreeNotTrimmed"): DISK,
    ("UpDiskSummary", "scrubbing"): DISK,
    ("UpDiskSummary", "pendingErrorRecoveries"): DISK,
    ("UpDiskSummary", "totalErrorsDetected"): DISK,
    ("GroupSnapshotsResult", "ok"): CHANGE,
    ("GroupSnapshotsResult", "generation"): CHANGE,
}

# Members of the types that answers may leave out although the bindings want them, with the reason.
ABSENT = {
}


def free(function):
    """What a closure of the bindings holds, by name."""
    return dict(zip(function.__code__.co_freevars, (c.cell_contents for c in function.__closure__ or ())))


def check(kind, value, where="data"):
    """Return one line for each place where value is not what the validator kind of the bindings stands for."""
    if isinstance(kind, type):
        if issubclass(kind, spjson.JsonObjectImpl):
            return check_object(kind, value, where)
        return check_plain(kind, value, where)
    maker = kind.__qualname__.split(".")[0]
    if maker in CHECKS:
        return CHECKS[maker](free(kind), value, where)
    return check_leaf(kind, value, where)


def check_plain(kind, value, where):
    """A value of a type of Python itself: bool, int, float, str."""
    if type(value) is kind:
        return []
    return ["{0}: {1!r} is no {2}".format(where, value, kind.__name__)]


def check_leaf(kind, value, where):
    """A value that a validator of the bindings takes and leaves as it is."""
    try:
        same = kind(value)
    except Exception as err:  # the validators raise what they like
        return ["{0}: {1!r}: {2}".format(where, value, err)]
    if type(same) is type(value) and same == value:
        return []
    return ["{0}: {1!r} had to be read as {2!r}".format(where, value, same)]


def check_enum(held, value, where):
    """A number that stands for a name."""
    if type(value) is int and held["first"] <= value < held["end"]:
        return []
    return ["{0}: {1!r} is no number of {2}".format(where, value, held["argName"])]


def check_const(held, value, where):
    want = held["constVal"]
    if type(value) is type(want) and value == want:
        return []
    return ["{0}: {1!r} is not {2!r}".format(where, value, want)]


def check_maybe(held, value, where):
    return check(held["subType"].handleVal, value, where) if value is not None else [where + ": null"]


def check_either(held, value, where):
    """The alternative that fits best; its faults if none fits."""
    return min((check(t.handleVal, value, where) for t in held["types"]), key=len)


def check_list(held, value, where):
    if not isinstance(value, list):
        return ["{0}: {1!r} is no list".format(where, value)]
    out = []
    for i, entry in enumerate(value):
        out += check(held["valT"], entry, "{0}[{1}]".format(where, i))
    return out


def check_dict(held, value, where):
    if not isinstance(value, dict):
        return ["{0}: {1!r} is no object".format(where, value)]
    out = []
    if held["name"].startswith('{str, default="'):  # the type names its only member
        want = held["name"].split('"')[1]
        if list(value) != [want]:
            out.append("{0}: members {1} instead of {2}".format(where, sorted(value), want))
    for key, entry in value.items():
        out += check_key(held["keyT"], key, where)
        out += check(held["valT"], entry, "{0}.{1}".format(where, key))
    return out


def check_key(kind, key, where):
    """Keys are text in JSON, and ids written as numbers are."""
    try:
        read = kind(key)
    except Exception as err:  # the validators raise what they like
        return ["{0}: key {1!r}: {2}".format(where, key, err)]
    if str(read) == key or kind.__qualname__.startswith("namedEnum.") and key.isdigit():
        return []
    return ["{0}: key {1!r} had to be read as {2!r}".format(where, key, read)]


def check_object(kind, value, where):
    if not isinstance(value, dict):
        return ["{0}: {1!r} is no {2}".format(where, value, kind.__name__)]
    out, attrs = [], kind.__jsonAttrDefs__
    for name in value:
        if name not in attrs and not excused(EXTRA, kind, name):
            out.append("{0}: {1} has no member {2}".format(where, kind.__name__, name))
    for name, attr in attrs.items():
        if name in value:
            out += check(attr.handleVal, value[name], "{0}.{1}".format(where, name))
        elif not attr.name.startswith("Optional(") and not excused(ABSENT, kind, name):
            out.append("{0}: {1} lacks {2}".format(where, kind.__name__, name))
    return out


def excused(excuses, kind, name):
    return ("*", name) in excuses or any((k.__name__, name) in excuses for k in kind.__mro__)


CHECKS = {
    "spList": check_list,
    "spSet": check_list,
    "spDict": check_dict,
    "maybe": check_maybe,
    "either": check_either,
    "const": check_const,
    "namedEnum": check_enum,
}
