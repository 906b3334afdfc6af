import { createLdsTestWireAdapter } from '@salesforce/wire-service-jest-util';

export const getListInfosByObjectName = createLdsTestWireAdapter();
export const getListRecordsByName = createLdsTestWireAdapter();
