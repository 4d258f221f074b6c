"""What an agent keeps on disk so that its own crash neither repeats nor loses work.

A state directory holds two files per agent: a lock, which only one living process can hold, and
a journal of accepted fences and unacknowledged reports.
"""
