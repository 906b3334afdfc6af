"""Plants one fault at a time in a copy of the package: each must be found, or the check proves nothing."""

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import check_metadata

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "proto/examples/commands.json"
MAIN = "main/default"
PART = "invoice/default"
INVOICE = f"{PART}/objects/Invoice__c"


class PlantedFaults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def copy(self):
        root = Path(self.folder.name) / self._testMethodName / "force-app"
        shutil.copytree(REPOSITORY / "force-app", root)
        return root

    def plant(self, file, old, new):
        """What is found once `old` was replaced by `new` in one file."""
        root = self.copy()
        path = root / file
        code = path.read_text()
        self.assertIn(old, code, "the fault can't be planted: the file has changed")
        path.write_text(code.replace(old, new, 1))
        return "\n".join(check_metadata.check(root, EXAMPLES).findings)

    def test_a_misspelt_element(self):
        found = self.plant(f"{INVOICE}/Invoice__c.object-meta.xml", "sharingModel>ReadWrite</sharingModel", "sharingModle>ReadWrite</sharingModle")
        self.assertIn("<sharingModle> is not an element", found)

    def test_a_value_outside_its_list(self):
        self.assertIn("is not a FieldType", self.plant(f"{INVOICE}/fields/Total__c.field-meta.xml", "<type>Number", "<type>Money"))

    def test_a_field_without_help(self):
        found = self.plant(f"{INVOICE}/fields/Total__c.field-meta.xml", "<inlineHelpText>The whole amount of the invoice.</inlineHelpText>", "")
        self.assertIn("has no inlineHelpText", found)

    def test_a_formula_with_an_unknown_field(self):
        found = self.plant(f"{INVOICE}/fields/Balance__c.field-meta.xml", "Settled__c", "Setled__c")
        self.assertIn("Invoice__c.Setled__c", found)

    def test_a_layout_with_an_unknown_field(self):
        found = self.plant(f"{PART}/layouts/Invoice__c-Invoice Layout.layout-meta.xml", "<field>Credit__c", "<field>Debit__c")
        self.assertIn("Invoice__c.Debit__c", found)

    def test_a_layout_with_an_unknown_action(self):
        found = self.plant(f"{PART}/layouts/Invoice__c-Invoice Layout.layout-meta.xml", "Invoice__c.Send_Payment_Link", "Invoice__c.Send_Link")
        self.assertIn("quick action Invoice__c.Send_Link", found)

    def test_a_tab_of_nothing(self):
        self.assertIn("names the tab Invoices__c", self.plant(f"{PART}/applications/Quittance.app-meta.xml", "Invoice__c", "Invoices__c"))

    def test_a_required_field_in_a_permission_set(self):
        permission = "<fieldPermissions><editable>true</editable><field>Invoice__c.Total__c</field><readable>true</readable></fieldPermissions>"
        found = self.plant(f"{PART}/permissionsets/Quittance_Invoice_Clerk.permissionset-meta.xml", "    <hasActivationRequired>", permission + "<hasActivationRequired>")
        self.assertIn("required field Invoice__c.Total__c", found)

    def test_a_field_that_a_permission_set_forgets(self):
        found = self.plant(
            f"{PART}/permissionsets/Quittance_Invoice_Clerk.permissionset-meta.xml",
            "        <field>Invoice__c.Due_Date__c</field>",
            "        <field>Invoice__c.Description__c</field>",
        )
        self.assertIn("says nothing of Invoice__c.Due_Date__c", found)

    def test_a_class_without_its_metadata(self):
        root = self.copy()
        (root / f"{MAIN}/classes/customers/CustomerSync.cls-meta.xml").unlink()
        self.assertIn("has no -meta.xml", "\n".join(check_metadata.check(root, EXAMPLES).findings))

    def test_a_class_without_sharing(self):
        found = self.plant(f"{MAIN}/classes/customers/CustomerSync.cls", "public without sharing class", "public class")
        self.assertIn("does not state its sharing", found)

    def test_dml_without_an_access_mode(self):
        found = self.plant(f"{MAIN}/classes/requests/PaymentRequestService.cls", "insert as user request", "insert request")
        self.assertIn("does not state its access mode", found)

    def test_a_component_that_calls_a_method_that_is_not_there(self):
        found = self.plant(f"{MAIN}/lwc/sendPaymentLink/sendPaymentLink.js", "SendPaymentLinkController.load", "SendPaymentLinkController.fetch")
        self.assertIn("@AuraEnabled method SendPaymentLinkController.fetch", found)

    def test_a_label_that_is_not_there(self):
        found = self.plant(f"{MAIN}/lwc/paymentProblem/paymentProblem.js", "c.Quittance_Try_Again", "c.Quittance_Not_There")
        self.assertIn("label Quittance_Not_There", found)

    def test_an_example_that_differs(self):
        self.assertIn("differs from", self.plant("tests/classes/CommandExamples.cls", '"type":"sync_now"', '"type":"sync_later"'))

    def test_a_core_that_names_the_invoice(self):
        found = self.plant(f"{MAIN}/classes/invoices/ReadableInvoices.cls", "SObject invoice :", "Invoice__c invoice :")
        self.assertIn("names Invoice__c, which an org with its own invoice does not have", found)

    def test_a_report_of_a_column_that_is_not_there(self):
        found = self.plant(f"{MAIN}/reports/Quittance/Failures_by_Reason.report-meta.xml", "Payment__c$Failure_Reason__c", "Payment__c$Reason__c")
        self.assertIn("names the column Payment__c$Reason__c", found)

    def test_a_report_that_asks_for_a_state_that_no_payment_has(self):
        found = self.plant(f"{MAIN}/reports/Quittance/Failures_by_Reason.report-meta.xml", "Declined,Returned", "Refused,Returned")
        self.assertIn("'Refused', which no record can have", found)

    def test_a_dashboard_of_a_report_that_is_not_there(self):
        found = self.plant(f"{PART}/dashboards/Quittance/Payments.dashboard-meta.xml", "Quittance/Failures_by_Reason", "Quittance/Failures")
        self.assertIn("names the report Quittance/Failures", found)

    def test_a_record_page_that_is_not_there(self):
        found = self.plant(f"{INVOICE}/Invoice__c.object-meta.xml", "<content>Quittance_Invoice<", "<content>Quittance_Bill<")
        self.assertIn("record page Quittance_Bill", found)

    def test_a_viewer_who_may_edit(self):
        found = self.plant(f"{MAIN}/permissionsets/Quittance_Viewer.permissionset-meta.xml", "<editable>false", "<editable>true")
        self.assertIn("lets a viewer change", found)

    def test_a_daemon_that_may_delete(self):
        found = self.plant(f"{MAIN}/permissionsets/Quittance_Integration.permissionset-meta.xml", "<allowDelete>false", "<allowDelete>true")
        self.assertIn("which the daemon does not need", found)

    def test_a_query_of_a_field_that_is_not_there(self):
        root = self.copy()
        path = root / f"{MAIN}/classes/errors/PaymentErrorInbox.cls"
        code = path.read_text()
        self.assertIn("SELECT Id, State__c", code, "the fault can't be planted: the file has changed")
        path.write_text(code.replace("SELECT Id, State__c", "SELECT Id, Status__c", 1))
        jars = "node_modules/@salesforce/code-analyzer-pmd-engine/dist/java-lib"
        result = subprocess.run(
            ["node", "tests/metadata/check_soql.mjs", jars, str(root)], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        self.assertEqual(result.returncode, 1)
        self.assertIn("Payment_Error__c has no Status__c", result.stdout)


if __name__ == "__main__":
    unittest.main()
