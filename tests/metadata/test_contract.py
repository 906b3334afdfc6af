"""Each file of proto/examples is what its schema says, and each schema refuses what it should."""

import copy
import json
import unittest
from pathlib import Path

from jsonschema import Draft202012Validator

PROTO = Path(__file__).resolve().parents[2] / "proto"
# Where the cases stand in their file; None for the whole of it.
SCHEMAS = {
    "payment_command": ("commands.json", None),
    "payment_notice": ("notices.json", "notices"),
    "payment_request": ("requests.json", "requests"),
    "records": ("records.json", None),
}


def load(path):
    return json.loads((PROTO / path).read_text())


class Contract(unittest.TestCase):
    def cases(self):
        for name, (file, where) in SCHEMAS.items():
            schema = load(f"schemas/{name}.schema.json")
            Draft202012Validator.check_schema(schema)
            examples = load(f"examples/{file}")
            for example in [examples] if where is None else examples[where]:
                yield name, Draft202012Validator(schema), example

    def test_every_schema_has_its_cases(self):
        files = {path.name for path in (PROTO / "schemas").iterdir()}
        self.assertEqual(files, {f"{name}.schema.json" for name in SCHEMAS})

    def test_the_examples_are_as_the_schemas_say(self):
        for name, validator, example in self.cases():
            errors = [error.message for error in validator.iter_errors(example)]
            self.assertEqual(errors, [], f"{name}: {example}")

    def test_every_command_and_notice_of_the_schemas_has_a_case(self):
        command = load("schemas/payment_command.schema.json")["$defs"]["command"]["properties"]["type"]["enum"]
        self.assertEqual({one["type"] for one in load("examples/commands.json")["commands"]}, set(command))
        notice = load("schemas/payment_notice.schema.json")["properties"]["State__c"]["enum"]
        self.assertEqual({one["State__c"] for one in load("examples/notices.json")["notices"]}, set(notice))

    def test_a_field_of_another_name_is_refused(self):
        for name, validator, example in self.cases():
            changed = copy.deepcopy(example)
            target = changed["commands"][0] if name == "payment_command" else changed
            first = next(iter(target))
            target[f"{first}_Renamed"] = target.pop(first)
            self.assertTrue(list(validator.iter_errors(changed)), f"{name} takes {changed}")


if __name__ == "__main__":
    unittest.main()
