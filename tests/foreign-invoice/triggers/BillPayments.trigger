/** Bills are paid through Quittance: the one line that it needs. */
trigger BillPayments on Bill__c(before insert, before update, after update) {
    QuittanceApi.invoicesSaved(Trigger.new, Trigger.oldMap, Trigger.operationType);
}
