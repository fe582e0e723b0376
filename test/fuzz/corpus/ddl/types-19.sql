CREATE TABLE x (
  größe TEXT,,
);
