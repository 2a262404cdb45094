/* A Modbus server on Debian's libmodbus: an implementation that is not ours, to test and to measure against.
 *
 *     libmodbus_server tcp HOST PORT DELAY < contents
 *     libmodbus_server rtu DEVICE BAUD UNIT < contents
 *
 * On TCP all unit ids answer, DELAY milliseconds after they were asked; PORT 0 lets the system choose one.
 *
 * One entry a line, addresses from zero, until the end of the input; what is not named is zero:
 *
 *     holding ADDRESS WORD        input ADDRESS WORD        coil ADDRESS 0|1        discrete ADDRESS 0|1
 *     float ADDRESS abcd|badc|cdab|dcba NUMBER              int32 ADDRESS NUMBER    int64 ADDRESS NUMBER
 *
 * The last three fill holding registers, with libmodbus's own idea of the orders of bytes. It says "serving PLACE" once
 * it can be asked, serves any number of connections from one thread, and ends with the process that started it.
 */
#include <errno.h>
#include <inttypes.h>
#include <modbus/modbus.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TABLE_SIZE = 65536, BACKLOG = 1024, EVENTS = 256, WAITING = 4096 };

/* Requests whose answers are not due yet, in the order of coming, which is that of their answers. */
struct waiting {
    int client, length;
    int64_t due;
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
};
static struct waiting ring[WAITING];
static unsigned first_waiting, after_waiting;

static void fail(const char *what)
{
    fprintf(stderr, "libmodbus_server: %s: %s\n", what, modbus_strerror(errno));
    exit(1);
}

static void refuse(const char *what, const char *given)
{
    fprintf(stderr, "libmodbus_server: %s: %s\n", what, given);
    exit(2);
}

static void put_float(uint16_t *words, const char *order, float number)
{
    if (strcmp(order, "abcd") == 0)
        modbus_set_float_abcd(number, words);
    else if (strcmp(order, "badc") == 0)
        modbus_set_float_badc(number, words);
    else if (strcmp(order, "cdab") == 0)
        modbus_set_float_cdab(number, words);
    else if (strcmp(order, "dcba") == 0)
        modbus_set_float_dcba(number, words);
    else
        refuse("no order of bytes", order);
}

static void put(modbus_mapping_t *tables, const char *line)
{
    char kind[16], order[8];
    unsigned address;
    int64_t number;
    float real;

    if (sscanf(line, "float %u %7s %f", &address, order, &real) == 3 && address < TABLE_SIZE - 1) {
        put_float(tables->tab_registers + address, order, real);
        return;
    }
    if (sscanf(line, "%15s %u %" SCNi64, kind, &address, &number) != 3 || address >= TABLE_SIZE - 3)
        refuse("no entry", line);
    if (strcmp(kind, "holding") == 0)
        tables->tab_registers[address] = (uint16_t)number;
    else if (strcmp(kind, "input") == 0)
        tables->tab_input_registers[address] = (uint16_t)number;
    else if (strcmp(kind, "coil") == 0)
        tables->tab_bits[address] = number != 0;
    else if (strcmp(kind, "discrete") == 0)
        tables->tab_input_bits[address] = number != 0;
    else if (strcmp(kind, "int32") == 0)
        MODBUS_SET_INT32_TO_INT16(tables->tab_registers, address, number);
    else if (strcmp(kind, "int64") == 0)
        MODBUS_SET_INT64_TO_INT16(tables->tab_registers, address, number);
    else
        refuse("no entry", line);
}

static modbus_mapping_t *read_contents(void)
{
    char line[128];
    modbus_mapping_t *tables = modbus_mapping_new(TABLE_SIZE, TABLE_SIZE, TABLE_SIZE, TABLE_SIZE);

    if (tables == NULL)
        fail("no memory");
    while (fgets(line, sizeof line, stdin) != NULL)
        put(tables, line);
    return tables;
}

static int answer(modbus_t *context, modbus_mapping_t *tables)
{
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    int length = modbus_receive(context, query);

    return length > 0 ? modbus_reply(context, query, length, tables) : length;
}

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Take a request and answer it later; below 0 where the client is gone, whose answers nobody wants any more. */
static int keep(modbus_t *context, int client, int64_t delay_us)
{
    struct waiting *entry = &ring[after_waiting % WAITING];
    unsigned at;

    if (after_waiting - first_waiting == WAITING)
        refuse("too many requests at once", "");
    entry->client = client;
    entry->length = modbus_receive(context, entry->query);
    entry->due = now_us() + delay_us;
    if (entry->length > 0)
        after_waiting++;
    else if (entry->length < 0)
        for (at = first_waiting; at != after_waiting; at++)
            if (ring[at % WAITING].client == client)
                ring[at % WAITING].length = 0;
    return entry->length;
}

static void answer_due(modbus_t *context, modbus_mapping_t *tables)
{
    struct waiting *entry;

    for (; first_waiting != after_waiting; first_waiting++) {
        entry = &ring[first_waiting % WAITING];
        if (entry->due > now_us())
            return;
        if (entry->length > 0) {
            modbus_set_socket(context, entry->client);
            modbus_reply(context, entry->query, entry->length, tables);
        }
    }
}

/* How long to sleep in milliseconds, rounded up; -1 until something comes. */
static int until_due(void)
{
    int64_t left;

    if (first_waiting == after_waiting)
        return -1;
    left = ring[first_waiting % WAITING].due - now_us();
    return left > 0 ? (int)((left + 999) / 1000) : 0;
}

static void watch(int poll, int descriptor)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};

    if (epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event) != 0)
        fail("epoll");
}

static void welcome(int poll, int listener)
{
    int on = 1, client = accept(listener, NULL, NULL);

    if (client < 0)
        return;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(poll, client);
}

static void serve_tcp(const char *host, int port, int64_t delay_us, modbus_mapping_t *tables)
{
    modbus_t *context = modbus_new_tcp(host, port);
    int listener, poll = epoll_create1(0), ready, at;
    struct sockaddr_in place;
    socklen_t size = sizeof place;
    struct epoll_event events[EVENTS];

    if (context == NULL || (listener = modbus_tcp_listen(context, BACKLOG)) < 0 ||
        getsockname(listener, (struct sockaddr *)&place, &size) != 0)
        fail(host);
    watch(poll, listener);
    printf("serving %d\n", ntohs(place.sin_port));
    fflush(stdout);
    while ((ready = epoll_wait(poll, events, EVENTS, until_due())) >= 0 || errno == EINTR) {
        for (at = 0; at < ready; at++) {
            if (events[at].data.fd == listener) {
                welcome(poll, listener);
                continue;
            }
            modbus_set_socket(context, events[at].data.fd);
            if ((delay_us ? keep(context, events[at].data.fd, delay_us) : answer(context, tables)) < 0)
                close(events[at].data.fd);
        }
        answer_due(context, tables);
    }
    fail("epoll");
}

static void serve_rtu(const char *device, int baud, int unit, modbus_mapping_t *tables)
{
    modbus_t *context = modbus_new_rtu(device, baud, 'N', 8, 1);

    if (context == NULL || modbus_set_slave(context, unit) != 0 || modbus_connect(context) != 0)
        fail(device);
    /* So long it takes what comes for the answer of the other unit that was asked, whether there is one or not. */
    modbus_set_response_timeout(context, 0, 100000);
    printf("serving %s\n", device);
    fflush(stdout);
    /* A damaged or foreign request is no reason to end; a port that is gone is. */
    while (answer(context, tables) >= 0 || (errno != EIO && errno != EBADF && errno != ECONNRESET))
        ;
    fail(device);
}

int main(int count, char **words)
{
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (count == 5 && strcmp(words[1], "tcp") == 0)
        serve_tcp(words[2], atoi(words[3]), (int64_t)atoi(words[4]) * 1000, read_contents());
    else if (count == 5 && strcmp(words[1], "rtu") == 0)
        serve_rtu(words[2], atoi(words[3]), atoi(words[4]), read_contents());
    else
        refuse("usage", "libmodbus_server tcp HOST PORT DELAY | rtu DEVICE BAUD UNIT");
    return 0;
}
