#!/usr/bin/env python3
"""The schemas say what the handlers do: every example that a handler accepts conforms to its schema, and
every one that it refuses for a field breaks it, but for what JSON Schema cannot say."""

import json
import sys
import unittest
from pathlib import Path

from jsonschema import Draft7Validator

EVENTS = ["list_operations/list_operation.v1", "progress_events/progress.v1"]
# One field against another, the clock, formats, NUL, members given twice.
BEYOND_A_SCHEMA = {
    "operation_data.name.given_twice.json",
    "operation_data.name.nul_character.json",
    "position_s.beyond_duration.json",
    "scheduled_for.not_a_time.json",
    "scheduled_for.without_zone.json",
    "session_id.nul_character.json",
    "tmdb_user_id.given_twice.json",
    "updated_at.clock_never_set.json",
    "updated_at.far_future.json",
    "updated_at.not_a_time.json",
    "updated_at.without_zone.json",
    "user_id.given_twice.json",
}
SCHEMAS = Path(sys.argv.pop(1)) if len(sys.argv) > 1 else Path(__file__).parents[2] / "schemas"


def schema_of(path):
    return json.loads(path.read_text(encoding="utf-8"))


def refusals(schema, example):
    return [error.message for error in Draft7Validator(schema).iter_errors(example)]


class Schemas(unittest.TestCase):
    def test_each_is_a_schema_with_examples(self):
        found = sorted(SCHEMAS.glob("*/*.schema.json"))
        self.assertGreaterEqual(len(found), 3)
        for path in found:
            with self.subTest(path.name):
                Draft7Validator.check_schema(schema_of(path))
                self.assertTrue(list((path.parent / "examples").rglob("*.json")))

    def test_what_a_handler_accepts_conforms(self):
        for event in EVENTS:
            schema = schema_of(SCHEMAS / f"{event}.schema.json")
            for path in (SCHEMAS / event).parent.glob("examples/valid/*.json"):
                with self.subTest(path.name):
                    self.assertEqual(refusals(schema, json.loads(path.read_bytes())), [])

    def test_what_a_handler_refuses_for_a_field_does_not(self):
        for event in EVENTS:
            schema = schema_of(SCHEMAS / f"{event}.schema.json")
            refused = 0
            for path in (SCHEMAS / event).parent.glob("examples/invalid/*.json"):
                if path.name in BEYOND_A_SCHEMA or path.name.startswith("document."):
                    continue
                with self.subTest(path.name):
                    self.assertNotEqual(refusals(schema, json.loads(path.read_bytes())), [])
                    refused += 1
            self.assertGreater(refused, 10)

    def test_domain_events_conform(self):
        for path in (SCHEMAS / "events/examples").glob("*.json"):
            with self.subTest(path.name):
                schema = schema_of(SCHEMAS / "events" / f"{path.stem}.schema.json")
                example = json.loads(path.read_bytes())
                self.assertEqual(refusals(schema, example), [])
                for member in schema["required"]:
                    less = {name: value for name, value in example.items() if name != member}
                    self.assertNotEqual(refusals(schema, less), [], member)


if __name__ == "__main__":
    unittest.main()
