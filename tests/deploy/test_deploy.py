"""scripts/deploy against a stand-in for the Salesforce CLI: what it asks, in which order, and what it leaves alone."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPT = HERE.parents[1] / "scripts/deploy"
FOREIGN = HERE.parents[1] / "tests/foreign-invoice"


class Deploy(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.file = Path(self.folder.name) / "org.json"
        self.org = {"components": [], "assigned": [], "apex": [], "findings": [], "calls": []}

    def run_it(self, *arguments):
        """Runs the script; answers its exit status and all that it said."""
        self.file.write_text(json.dumps(self.org))
        environment = {**os.environ, "SF_STUB": str(self.file), "PATH": f"{HERE}:{os.environ['PATH']}"}
        done = subprocess.run([SCRIPT, "--target-org", "billing", *arguments], env=environment, capture_output=True, text=True, check=False)
        self.org = json.loads(self.file.read_text())
        return done.returncode, done.stdout + done.stderr

    def deployments(self):
        return self.org.get("deployed", [])

    def test_a_first_deployment_does_it_all_in_order(self):
        status, said = self.run_it("--clerk", "clara@acme.example")
        self.assertEqual(status, 0, said)
        self.assertEqual([one["dry"] for one in self.deployments()], [True, False], "it validates, then deploys")
        self.assertIn("Invoice_Mapping.Default.md-meta.xml", self.deployments()[1]["files"], "the default mapping is loaded")
        self.assertIn(["ada@acme.example", "Quittance_Admin"], self.org["assigned"])
        self.assertIn(["clara@acme.example", "Quittance_Invoice_Clerk"], self.org["assigned"])
        self.assertEqual(self.org["apex"][0], "QuittanceSchedule.start();")
        self.assertIn("the invoice mapping is right", said)
        self.assertTrue(all("--target-org" in call and "billing" in call for call in self.org["calls"]))

    def test_a_second_run_keeps_what_an_administrator_has_set(self):
        self.run_it()
        status, said = self.run_it()
        self.assertEqual(status, 0, said)
        again = self.deployments()[-1]
        self.assertNotIn("Invoice_Mapping.Default.md-meta.xml", again["files"])
        self.assertNotIn("Quittance_Setting.Default.md-meta.xml", again["files"])
        self.assertIn("stays as it is", said)
        self.assertIn("PaymentTotals.cls", again["files"])

    def test_a_name_that_the_org_uses_is_never_overwritten(self):
        self.org["components"] = [["ApexClass", "PaymentTotals", None], ["CustomObject", "Invoice__c", None], ["ApexClass", "Own", None]]
        status, said = self.run_it()
        self.assertEqual(status, 1)
        self.assertIn("ApexClass PaymentTotals", said)
        self.assertIn("CustomObject Invoice__c", said)
        self.assertNotIn("Own", said)
        self.assertEqual(self.deployments(), [], "nothing was sent, not even to be validated")

    def test_what_the_first_run_put_there_is_not_taken_for_somebody_elses(self):
        self.run_it()
        self.org["components"].append(["ApexTrigger", "QuittanceAccount", None])
        status, said = self.run_it()
        self.assertEqual(status, 0, said)

    def test_components_of_a_managed_package_do_not_count(self):
        self.org["components"] = [["ApexClass", "PaymentTotals", "erp"]]
        self.assertEqual(self.run_it()[0], 0)

    def test_adopt_takes_them_over(self):
        self.org["components"] = [["ApexClass", "PaymentTotals", None]]
        self.assertEqual(self.run_it("--adopt")[0], 0)

    def test_an_org_with_its_own_invoice_gets_no_other(self):
        self.org["findings"] = ["Quittance does not know which object is your invoice. Fill Object."]
        self.org["components"] = [["CustomObject", "Invoice__c", None]]
        status, said = self.run_it("--own-invoice")
        self.assertEqual(status, 0, said)
        sent = self.deployments()[-1]["files"]
        self.assertNotIn("Invoice__c.object-meta.xml", sent)
        self.assertNotIn("QuittanceInvoice.trigger", sent)
        self.assertNotIn(["ada@acme.example", "Quittance_Invoice_Admin"], self.org["assigned"])
        self.assertIn("to do: Quittance does not know which object", said)

    def own(self, without=(), more=()):
        """A folder as an org with an invoice of its own has it."""
        folder = Path(self.folder.name) / "own"
        shutil.copytree(FOREIGN, folder)
        for name in without:
            next(folder.rglob(name)).unlink()
        for name in more:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("<x/>")
        return str(folder)

    def test_what_an_org_adds_for_its_own_invoice_goes_along(self):
        self.org["components"] = [["CustomObject", "Bill__c", None], ["CustomMetadata", "Invoice_Mapping.Default", None]]
        status, said = self.run_it("--own", self.own())
        self.assertEqual(status, 0, said)
        self.assertEqual([one["dry"] for one in self.deployments()], [True, False], "it is validated first, in one deployment with the package")
        for sent in (one["files"] for one in self.deployments()):
            self.assertIn("PaymentTotals.cls", sent)
            self.assertIn("Bill__c.field-meta.xml", sent)
            self.assertIn("Bill__c.Send_Payment_Link.quickAction-meta.xml", sent)
            self.assertIn("Invoice_Mapping.Default.md-meta.xml", sent, "the mapping of the folder is what the admin wants")
            self.assertNotIn("Invoice__c.object-meta.xml", sent)
        self.assertNotIn(["ada@acme.example", "Quittance_Invoice_Admin"], self.org["assigned"])
        self.assertIn("to do: give Bill_Clerk of yours", said)
        self.assertNotIn("Bill__c", self.org["manifest"], "what is theirs is never taken for ours, nor uninstalled")

    def test_a_folder_of_ones_own_never_overwrites_the_package(self):
        status, said = self.run_it("--own", self.own(more=["classes/PaymentTotals.cls-meta.xml"]))
        self.assertEqual(status, 1)
        self.assertIn("components that belong to the package:\n  ApexClass PaymentTotals", said)
        self.assertEqual(self.deployments(), [])

    def test_a_folder_of_ones_own_needs_a_mapping_there_or_in_the_org(self):
        folder = self.own(without=["Invoice_Mapping.Default.md-meta.xml"])
        status, said = self.run_it("--own", folder, "--dry-run")
        self.assertEqual(status, 1)
        self.assertIn("has a mapping of your invoice", said)
        self.org["components"] = [["CustomMetadata", "Invoice_Mapping.Default", None]]
        status, said = self.run_it("--own", folder, "--dry-run")
        self.assertEqual(status, 0, said)
        self.assertEqual([one["dry"] for one in self.deployments()], [True])

    def test_a_folder_that_is_none_is_named(self):
        for folder in ("/nowhere", self.folder.name):
            status, said = self.run_it("--own", folder)
            self.assertEqual(status, 1)
            self.assertIn(f"--own {folder}: ", said)
        self.assertEqual(self.org["calls"], [], "the org was not asked for that")
        self.assertEqual(self.run_it("--own", self.own(), "--uninstall")[0], 2)

    def test_a_dry_run_changes_nothing(self):
        status, said = self.run_it("--dry-run")
        self.assertEqual(status, 0, said)
        self.assertEqual([one["dry"] for one in self.deployments()], [True])
        self.assertEqual((self.org["assigned"], self.org["apex"]), ([], []))
        self.assertIn("assign Quittance_Admin and Quittance_Invoice_Admin to you", said)

    def test_what_the_org_refuses_is_said_and_nothing_follows(self):
        self.org["refuses"] = True
        status, said = self.run_it()
        self.assertEqual(status, 1)
        self.assertIn("PaymentTotals: Variable does not exist: x", said)
        self.assertIn("OwnTest.runs: Assertion Failed", said)
        self.assertEqual((self.org["assigned"], self.org["apex"]), ([], []))

    def test_uninstalling_leaves_the_data(self):
        self.run_it()
        self.org["components"].append(["ApexClass", "Own", None])
        status, said = self.run_it("--uninstall")
        self.assertEqual(status, 1, "a Flow holds its component, and only a person can switch it off")
        self.assertIn("Quittance_Bulk_Send is still there", said)
        self.assertNotIn("removed", self.org)
        self.org["components"] = [row for row in self.org["components"] if row[0] != "Flow"]
        status, said = self.run_it("--uninstall")
        self.assertEqual(status, 0, said)
        self.assertIn("PaymentTotals", self.org["removed"])
        for kept in ("Own", "Payment__c", "Invoice__c", "Quittance_Admin", "Invoice_Mapping.Default"):
            self.assertNotIn(kept, self.org["removed"])
        self.assertEqual(self.org["apex"][-1], "QuittanceSchedule.stop();")
        self.assertNotEqual(self.run_it("--uninstall")[0], 0, "a second time there is nothing of ours")

    def test_without_the_cli_it_says_what_to_install(self):
        environment = {"PATH": "/usr/bin:/bin", "HOME": self.folder.name}
        done = subprocess.run([SCRIPT], env=environment, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("npm install --global @salesforce/cli", done.stderr)


if __name__ == "__main__":
    unittest.main()
