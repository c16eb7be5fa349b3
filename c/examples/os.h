/* What provider.c needs of the operating system: one lock, threads, and what an event object is made of. */
#ifdef _WIN32
#include <windows.h>
typedef HANDLE os_event, os_thread;
static CRITICAL_SECTION the_lock;
static void start(void) { InitializeCriticalSection(&the_lock); }
static void lock(void) { EnterCriticalSection(&the_lock); }
static void unlock(void) { LeaveCriticalSection(&the_lock); }
static void os_create(os_event *e) { *e = CreateEventA(NULL, TRUE, FALSE, NULL); }
static void os_destroy(os_event *e) { CloseHandle(*e); }
static int32_t os_set(os_event *e) { return SetEvent(*e) ? 0 : (int32_t)GetLastError(); }
static int32_t os_reset(os_event *e) { return ResetEvent(*e) ? 0 : (int32_t)GetLastError(); }
static void os_wait(os_event *e) { WaitForSingleObject(*e, INFINITE); }
#define THREAD DWORD WINAPI
static void run(os_thread *t, LPTHREAD_START_ROUTINE f, void *with) { *t = CreateThread(NULL, 0, f, with, 0, NULL); }
static void join(os_thread *t) { WaitForSingleObject(*t, INFINITE); CloseHandle(*t); }
#else
#include <pthread.h>
typedef struct { pthread_mutex_t mutex; pthread_cond_t changed; int is_set; } os_event;
typedef pthread_t os_thread;
static pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER;
static void start(void) {}
static void lock(void) { pthread_mutex_lock(&the_lock); }
static void unlock(void) { pthread_mutex_unlock(&the_lock); }
static void os_create(os_event *e) { pthread_mutex_init(&e->mutex, NULL); pthread_cond_init(&e->changed, NULL); }
static void os_destroy(os_event *e) { pthread_cond_destroy(&e->changed); pthread_mutex_destroy(&e->mutex); }
static int32_t os_change(os_event *e, int is_set) /* under the mutex: a reset sees what was done before a set (K3) */
{
    pthread_mutex_lock(&e->mutex);
    e->is_set = is_set;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->mutex);
    return 0;
}
static int32_t os_set(os_event *e) { return os_change(e, 1); }
static int32_t os_reset(os_event *e) { return os_change(e, 0); }
static void os_wait(os_event *e)
{
    pthread_mutex_lock(&e->mutex);
    while (!e->is_set)
        pthread_cond_wait(&e->changed, &e->mutex);
    pthread_mutex_unlock(&e->mutex);
}
#define THREAD void *
static void run(os_thread *t, void *(*f)(void *), void *with) { pthread_create(t, NULL, f, with); }
static void join(os_thread *t) { pthread_join(*t, NULL); }
#endif
