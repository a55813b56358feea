"""Pure translation of what was asked into SQL on the marts; no input, no output, no state."""
