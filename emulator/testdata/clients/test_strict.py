"""The judges of the cases have to be able to fail."""

import unittest

from storpool import spapi, sptypes as sp
from storpool.sptype import spType

import run
import strict
from cases import Case


def kind(method):
    return getattr(spapi.Api, method).__globals__["returns"]


class Strict(unittest.TestCase):
    """Each kind of fault is found, and named."""

    fine = {"id": 2, "generation": 7, "clientGeneration": 7, "configStatus": "ok", "delay": 0}

    def faults(self, **changes):
        entry = {k: v for k, v in dict(self.fine, **changes).items() if v is not KeyError}
        return strict.check(kind("clientsConfigDump"), [entry])

    def test_whole_answer_has_none(self):
        self.assertEqual([], self.faults())

    def test_missing_and_foreign_members(self):
        self.assertEqual(["data[0]: ClientConfigStatus lacks delay"], self.faults(delay=KeyError))
        self.assertEqual(["data[0]: ClientConfigStatus has no member extra"], self.faults(extra=1))

    def test_values_that_the_bindings_would_convert(self):
        self.assertEqual(["data[0].id: '2' had to be read as 2"], self.faults(id="2"))
        self.assertEqual(["data[0].generation: '7' is no int"], self.faults(generation="7"))
        self.assertEqual(["data[0].generation: 7.0 is no int"], self.faults(generation=7.0))
        self.assertEqual(["data[0].delay: True is no int"], self.faults(delay=True))

    def test_values_that_no_client_takes(self):
        self.assertIn("Must be one of", self.faults(configStatus="good")[0])
        self.assertIn("Must be between", self.faults(id=5000)[0])

    def test_shapes(self):
        self.assertEqual(["data: {} is no list"], strict.check(kind("clientsConfigDump"), {}))
        self.assertEqual(["data[0]: 1 is no ClientConfigStatus"], strict.check(kind("clientsConfigDump"), [1]))
        self.assertEqual(["data: [] is no object"], strict.check(kind("peersList"), []))

    def test_members_named_by_the_call(self):
        self.assertEqual([], strict.check(kind("exportsList"), {"exports": []}))
        self.assertEqual(["data: members ['list'] instead of exports"], strict.check(kind("exportsList"), {"list": []}))

    def test_keys_constants_and_numbers_of_states(self):
        self.assertEqual(["data: key '01' had to be read as 1"], strict.check(spType({sp.DiskId: int}).handleVal, {"01": 1}))
        self.assertEqual([], strict.check(spType({sp.ObjectState: int}).handleVal, {"1": 1}))
        self.assertEqual(["data: 1 is not True"], strict.check(spType(spapi.const(True)).handleVal, 1))
        self.assertEqual([], strict.check(sp.ObjectState.handleVal, 9))
        self.assertEqual(["data: 10 is no number of ObjectState"], strict.check(sp.ObjectState.handleVal, 10))

    def test_optional_members_are_not_null(self):
        done = {"ok": True, "generation": 1}
        self.assertEqual([], strict.check(kind("volumeDelete"), done))
        self.assertEqual(["data.info: null"], strict.check(kind("volumeDelete"), dict(done, info=None)))


class Judge(unittest.TestCase):
    """A pending case has to fail, and in the way that its mark says."""

    def judge(self, pending, wrong):
        return run.judge(Case("c", (), (), pending, None), wrong)

    def test_pending(self):
        self.assertIsNone(self.judge(None, None))
        self.assertEqual("broken", self.judge(None, "broken"))
        self.assertIsNone(self.judge("not built", "ApiError: it is not built yet"))
        self.assertEqual("broken", self.judge("not built", "broken"))
        self.assertIn("passes now", self.judge("not built", None))


if __name__ == "__main__":
    unittest.main()
