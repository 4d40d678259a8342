//! Rail slots: the problem, its rules, plans and their checker.
