"""How a batch gets into the database: binary COPY, or a merge where keys are taken; tried until it is done."""
