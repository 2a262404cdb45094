"""The adapters to the outside that several packages share: one module per library, which translates its errors."""
