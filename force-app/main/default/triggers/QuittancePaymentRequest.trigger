trigger QuittancePaymentRequest on Payment_Request__c(before insert, before update, after insert) {
    new PaymentRequestRules(Trigger.new, Trigger.old).run(Trigger.operationType);
    new PaymentRequestStart(Trigger.new).run(Trigger.operationType);
}
