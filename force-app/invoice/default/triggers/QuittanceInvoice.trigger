trigger QuittanceInvoice on Invoice__c(before insert, before update, after update) {
    QuittanceApi.invoicesSaved(Trigger.new, Trigger.oldMap, Trigger.operationType);
}
