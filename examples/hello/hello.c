/* hello.c -- the smallest backend in C.
 *
 *   cc hello.c $(pkg-config --cflags --libs cairn) -o hello && ./hello
 *   curl http://127.0.0.1:8080/hello/Ada */
#include <cairn.h>

static int hello(struct cairn_request *rq, void *data)
{
    (void)data;
    return cairn_text(rq, 200, cairn_s("Hello, World!"));
}

static int hello_name(struct cairn_request *rq, void *data)
{
    (void)data;
    cairn_put_object(rq, NULL);
    cairn_put_text(rq, "hello", cairn_param(rq, "name"));
    cairn_put_end(rq);
    return 0;
}

int main(void)
{
    struct cairn_app *app = cairn_new(".");
    cairn_get(app, "/hello", hello, NULL);
    cairn_get(app, "/hello/:name", hello_name, NULL);
    return cairn_main(app);
}
