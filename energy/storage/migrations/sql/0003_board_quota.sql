-- 0003_board_quota: views of schema board.
select 1;
