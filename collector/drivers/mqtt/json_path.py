"""JMESPath expressions, compiled once; the only module that knows the package `jmespath`."""

from __future__ import annotations

from typing import Any

import jmespath
from jmespath.exceptions import ArityError, JMESPathError, UnknownFunctionError

from collector.errors import MappingError
from energy.errors import MessageError


class JsonPath:
    """Where in a JSON document something stands.

    Args:
        text: a JMESPath expression; raises MappingError where it is none, or calls a function that is not there.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        try:
            self._compiled = jmespath.compile(text)
            # The package finds out about functions and their arguments only when it calls them.
            self._compiled.search({})
        except (ArityError, UnknownFunctionError) as error:
            raise MappingError(f"path {text!r}: {error}") from error
        except JMESPathError as error:
            # A function that does not like the empty document is none of our business.
            if not hasattr(self, "_compiled"):
                raise MappingError(f"path {text!r} is no JMESPath: {_in_one_line(error)}") from error

    def find(self, document: Any) -> Any:
        """What stands there; None where nothing does. Raises MessageError where the expression cannot be applied."""
        try:
            return self._compiled.search(document)
        # The package's own errors are ValueErrors; its arithmetic fails as Python's does.
        except (ValueError, TypeError, ArithmeticError) as error:
            raise MessageError("path", f"path {self._text!r}: {_in_one_line(error)}") from error


def _in_one_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
