/* A session on OpenMP's threads, for programs that use them anyway and want no others:
 *
 *   intvit_session_options options = intvit_default_session_options();
 *   options.threads = omp_get_max_threads();
 *   options.parallel_for = intvit_openmp_parallel_for;
 *
 * Compile with OpenMP (-fopenmp); without it the tasks run one after the other. The bits are the same.
 */
#ifndef INTVIT_OPENMP_H
#define INTVIT_OPENMP_H

static inline void intvit_openmp_parallel_for(void *context, int count, void (*task)(void *argument, int index),
                                              void *argument) {
  (void)context;
#ifdef _OPENMP
#pragma omp parallel for schedule(static, 1) num_threads(count)
#endif
  for (int i = 0; i < count; ++i)
    task(argument, i);
}

#endif
