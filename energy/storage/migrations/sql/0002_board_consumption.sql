-- 0002_board_consumption: views of schema board.
select 1;
