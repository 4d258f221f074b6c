"""Recurring tasks: when a schedule is due, what is missed, and that nothing is silent.

A *nominal time* is an instant that a schedule names. It is the identity of a run, and every one
of them ends as a run or as a skip with its reason.
"""
