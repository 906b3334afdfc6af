trigger MovedWatch on Moved__e (after insert) {
    Watch.moved(Trigger.new);
}
