"""The stores: one contract, one wing a store; only `opener` names a concrete one."""
