"""The conformance kit: any agent program against a scripted coordinator, judged by numbers."""
