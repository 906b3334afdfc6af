trigger CargoWatch on Cargo__c (before insert, before update, before delete, after insert, after update, after delete, after undelete) {
    Watch.on(Trigger.operationType, Trigger.new, Trigger.old, Trigger.newMap, Trigger.oldMap, Trigger.size);
}
