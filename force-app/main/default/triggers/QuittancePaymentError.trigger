trigger QuittancePaymentError on Payment_Error__c(before update, after update) {
    new PaymentErrorRetry(Trigger.new, Trigger.old).run(Trigger.operationType);
}
