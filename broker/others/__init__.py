"""Other brokers' configurations, generated from the access table: one table, many enforcers.

Each module turns who there is into files, and does nothing else. What a broker cannot express is
said in the file it concerns; safety never rests on it.
"""
