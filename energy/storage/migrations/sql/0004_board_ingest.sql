-- 0004_board_ingest: views of schema board.
select 1;
