"""Who may call itself what, and by which secret.

``records`` decides and is pure, ``file`` keeps it on disk, ``passwords`` hashes what people choose.
What is kept are hashes: a copy of the file lets nobody in.
"""
