trigger QuittanceInvoice on Invoice__c(before insert, before update, after update) {
    new InvoiceIntegrity(Trigger.new, Trigger.oldMap).run(Trigger.operationType);
    new InvoiceReview(Trigger.new, Trigger.oldMap).run(Trigger.operationType);
}
