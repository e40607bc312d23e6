"""Questions asked of a network, answered on one page: what `listen` does.

A question is a module with two functions. `first(inquiry)` gives an answer within a minute, and
`further(inquiry, seconds)` a better one in the time that is left; both write what they found into
`inquiry.output_dir`, from which the page is made. `asking` has the table of them.
"""

QUESTIONS = ("inversion",)
