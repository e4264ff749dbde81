export * from './alarm-rule';
export * from './deployment';
export * from './properties';
export * from './scalable-environment';
