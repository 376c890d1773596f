// Stands for a module of the unit's machine: it is not on the neighbour's list.
export const value = 42;
