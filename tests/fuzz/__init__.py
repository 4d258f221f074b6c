"""What strangers may send, invented by a fuzzer that follows the code; see CONTRIBUTING.md."""
