trigger QuittanceAccount on Account(
    before insert,
    before update,
    after insert,
    after update,
    after delete,
    after undelete
) {
    new CustomerSync(Trigger.new, Trigger.old).run(Trigger.operationType);
}
