trigger QuittancePayment on Payment__c(
    before insert,
    before update,
    before delete,
    after insert,
    after update,
    after delete,
    after undelete
) {
    new PaymentIntegrity(Trigger.new, Trigger.old).run(Trigger.operationType);
    new PaymentTotals(Trigger.new, Trigger.old).run(Trigger.operationType);
}
